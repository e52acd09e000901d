"""What differs is what means something else, and an update sends that and nothing more."""

from __future__ import annotations

from typing import Any

from batch_helpers.resources.aws.bodies import update_body
from batch_helpers.resources.aws.changes import changes

ARN = "arn:aws:batch:us-east-1:1:compute-environment"


def said(wanted: dict[str, Any], there: dict[str, Any]) -> list[str]:
    return [str(change) for change in changes(wanted, there)]


def resources(**members: Any) -> dict[str, Any]:
    return {"computeResources": members}


def test_what_is_not_asked_for_does_not_count() -> None:
    assert said({"state": "ENABLED"}, {"state": "ENABLED", "status": "VALID", "uuid": "x"}) == []
    assert said({"tags": {"a": "1"}}, {"tags": {"a": "1", "b": "2"}}) == []


def test_a_number_that_differs_is_told_as_it_was_and_as_it_is_wanted() -> None:
    assert said(resources(maxvCpus=32), resources(maxvCpus=16)) == ["maxvCpus 16 -> 32"]
    assert said({"priority": 2}, {}) == ["priority none -> 2"]


def test_the_order_of_subnets_groups_and_types_does_not_count() -> None:
    for name in ("subnets", "securityGroupIds", "instanceTypes"):
        assert said(resources(**{name: ["a", "b"]}), resources(**{name: ["b", "a"]})) == []
    assert said(resources(subnets=["a"]), resources(subnets=["b", "a"])) == ["subnets b, a -> a"]


def test_the_order_of_types_counts_where_the_strategy_goes_by_it() -> None:
    for strategy in ("BEST_FIT_PROGRESSIVE_ORDERED", "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED"):
        wanted = resources(instanceTypes=["m5", "c5"], allocationStrategy=strategy)
        there = resources(instanceTypes=["c5", "m5"], allocationStrategy=strategy)
        assert said(wanted, there) == ["instanceTypes c5, m5 -> m5, c5"]


def test_a_role_is_the_same_by_name_and_by_arn() -> None:
    assert said({"serviceRole": "role"}, {"serviceRole": "arn:aws:iam::1:role/path/role"}) == []
    assert said(resources(instanceRole="arn:aws:iam::1:instance-profile/a"), resources(instanceRole="b")) == [
        "instanceRole b -> a"
    ]


def test_the_order_of_a_queues_environments_counts() -> None:
    there = [{"order": 1, "computeEnvironment": f"{ARN}/a"}, {"order": 2, "computeEnvironment": f"{ARN}/b"}]
    swapped = [{"order": 1, "computeEnvironment": "b"}, {"order": 2, "computeEnvironment": "a"}]
    assert said({"computeEnvironmentOrder": there}, {"computeEnvironmentOrder": there}) == []
    assert len(said({"computeEnvironmentOrder": swapped}, {"computeEnvironmentOrder": there})) == 1


def test_no_list_and_an_empty_list_are_the_same() -> None:
    assert said({"jobStateTimeLimitActions": []}, {}) == []
    assert said({"jobStateTimeLimitActions": []}, {"jobStateTimeLimitActions": [{"reason": "x"}]}) != []


def test_what_aws_adds_to_an_object_in_a_list_does_not_count() -> None:
    wanted = resources(ec2Configuration=[{"imageType": "ECS_AL2023"}])
    there = [{"imageType": "ECS_AL2023", "batchImageStatus": "LATEST"}]
    assert said(wanted, resources(ec2Configuration=there)) == []
    assert said(wanted, resources(ec2Configuration=[*there, *there])) != []
    assert said(wanted, resources(ec2Configuration=[{"imageType": "ECS_AL2"}])) != []


def test_an_update_sends_what_differs_and_nothing_more() -> None:
    wanted = {"type": "MANAGED", "state": "ENABLED", **resources(maxvCpus=32, type="FARGATE_SPOT", minvCpus=0)}
    there = {"type": "MANAGED", "state": "DISABLED", **resources(maxvCpus=16, type="FARGATE", minvCpus=0)}
    assert update_body(changes(wanted, there)) == {
        "state": "ENABLED",
        "computeResources": {"maxvCpus": 32, "type": "FARGATE_SPOT"},
    }


def test_a_launch_template_is_updated_as_a_whole() -> None:
    wanted = resources(launchTemplate={"launchTemplateName": "mine", "version": "2"})
    there = resources(launchTemplate={"launchTemplateName": "mine", "version": "1"})
    assert update_body(changes(wanted, there)) == wanted
    assert said(resources(launchTemplate={"launchTemplateName": "mine"}), there) == []


def test_tags_of_instances_that_are_there_already_stay() -> None:
    differing = changes(resources(tags={"a": "1"}), resources(tags={"b": "2"}))
    assert update_body(differing) == resources(tags={"a": "1", "b": "2"})


def test_tags_of_the_resource_itself_are_told_one_by_one_and_are_in_no_update() -> None:
    differing = list(changes({"tags": {"a": "1", "b": "2"}}, {"tags": {"a": "0", "b": "2"}}))
    assert [str(change) for change in differing] == ["tag a 0 -> 1"]
    assert update_body(differing) == {}


def test_variables_are_told_by_name_and_queues_environments_too_and_long_texts_are_cut() -> None:
    wanted, there = [{"name": "TOKEN", "value": "new"}], [{"name": "TOKEN", "value": "old"}]
    assert said({"environment": wanted}, {"environment": there}) == ["environment TOKEN=… -> TOKEN=…"]
    order = [{"order": 1, "computeEnvironment": f"{ARN}/a"}]
    assert said({"computeEnvironmentOrder": order}, {}) == ["computeEnvironmentOrder none -> a"]
    assert said({"image": "x" * 80}, {"image": "y" * 81}) == [f"image {'y' * 80}… -> {'x' * 80}"]
