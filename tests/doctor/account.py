"""An account on moto in which the queue `spot` runs jobs, and nothing is wrong that moto can tell."""

from __future__ import annotations

import json
from typing import Any

from batch_helpers.aws_client import AWSAccess
from batch_helpers.doctor import examine
from batch_helpers.doctor.gathering import Questions
from batch_helpers.finding import Finding

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/tools/bwa"
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"digest": "sha256:" + "0" * 64, "size": 1},
    "layers": [],
}


def trust(principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Account:
    """Everything that a job needs; `find` is what the doctor says of it."""

    def __init__(self, access: AWSAccess) -> None:
        self.access = access
        for service in ("ec2", "iam", "batch", "s3", "ecr", "logs"):
            setattr(self, service, access.client(service))
        self.network()
        self.roles()
        self.environment("machines", "SPOT", instanceTypes=["c5.xlarge"], minvCpus=0, instanceRole="instances")
        self.environment("containers", "FARGATE")
        self.queue("spot", "machines")
        self.queue("fargate", "containers")
        self.s3.create_bucket(Bucket="results")
        self.ecr.create_repository(repositoryName="tools/bwa")
        self.ecr.put_image(repositoryName="tools/bwa", imageManifest=json.dumps(MANIFEST), imageTag="1")

    ec2: Any
    iam: Any
    batch: Any
    s3: Any
    ecr: Any
    logs: Any

    def network(self) -> None:
        """One public subnet."""
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        in_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
        self.table = self.ec2.describe_route_tables(Filters=in_vpc)["RouteTables"][0]["RouteTableId"]
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        self.ec2.modify_subnet_attribute(SubnetId=self.subnet, MapPublicIpOnLaunch={"Value": True})
        self.group = self.ec2.create_security_group(GroupName="jobs", Description="jobs", VpcId=vpc)["GroupId"]

    def roles(self) -> None:
        """`batch`, `instances` with its profile, `execution` and `task`."""
        for name, principal in (
            ("batch", "batch.amazonaws.com"),
            ("instances", "ec2.amazonaws.com"),
            ("execution", "ecs-tasks.amazonaws.com"),
            ("task", "ecs-tasks.amazonaws.com"),
        ):
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(principal))
        self.iam.create_instance_profile(InstanceProfileName="instances")
        self.iam.add_role_to_instance_profile(InstanceProfileName="instances", RoleName="instances")

    def arn(self, role: str) -> str:
        arn: str = self.iam.get_role(RoleName=role)["Role"]["Arn"]
        return arn

    def environment(self, name: str, kind: str, **more: Any) -> None:
        place = {"type": kind, "maxvCpus": 16, "subnets": [self.subnet], "securityGroupIds": [self.group], **more}
        self.batch.create_compute_environment(
            computeEnvironmentName=name,
            type="MANAGED",
            state="ENABLED",
            serviceRole=self.arn("batch"),
            computeResources=place,
        )

    def queue(self, name: str, *environments: str) -> None:
        order = [{"order": place, "computeEnvironment": one} for place, one in enumerate(environments, start=1)]
        self.batch.create_job_queue(jobQueueName=name, state="ENABLED", priority=1, computeEnvironmentOrder=order)

    def define(self, name: str, image: str = f"{ECR}:1", platform: str = "EC2", **more: Any) -> None:
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
        container = {"image": image, "command": ["true"], "resourceRequirements": needs, **more}
        self.batch.register_job_definition(
            jobDefinitionName=name,
            type="container",
            platformCapabilities=[platform],
            containerProperties=container,
        )

    def find(self, **questions: Any) -> list[Finding]:
        return list(examine(self.access, Questions(**{"queues": ("spot",), **questions})))
