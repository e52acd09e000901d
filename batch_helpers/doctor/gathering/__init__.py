"""The one room of the doctor that talks to AWS: it only reads, and every question is asked once."""

from batch_helpers.doctor.gathering.asking import Asker
from batch_helpers.doctor.gathering.gather import Questions, gather

__all__ = ["Asker", "Questions", "gather"]
