"""An account made ready for jobs by one command, and left as it was by another."""

from batch_helpers.provision.blueprint import Blueprint, Choices, blueprint
from batch_helpers.provision.setup import Setup, Survey
from batch_helpers.provision.steps import Did, Step
from batch_helpers.provision.teardown import Teardown

__all__ = ["Blueprint", "Choices", "Did", "Setup", "Step", "Survey", "Teardown", "blueprint"]
