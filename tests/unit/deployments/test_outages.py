from __future__ import annotations

from deployments.local.outages import Outages


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def outages(clock: Clock) -> Outages:
    return Outages(patience=30, starting=120, clock=clock)


def test_an_outage_is_reported_once_when_it_begins_and_once_when_it_is_over():
    clock = Clock()
    watched = outages(clock)
    events = []
    for second, reason in [(0, ""), (5, "it hangs"), (34, "it hangs"), (35, "it hangs"), (40, "it hangs"), (300, ""), (305, "")]:
        clock.now = 1_000 + second
        if event := watched.look("gateway", reason):
            events.append((second, event["event"], event["resource"], event["payload"]))

    gateway = {"prefect.resource.id": "slipway.service.gateway", "prefect.resource.name": "gateway"}
    assert events == [
        (35, "slipway.service.down", gateway, {"reason": "it hangs", "silent_seconds": 30}),
        (300, "slipway.service.up", gateway, {"reason": "it answers again", "silent_seconds": 295}),
    ]


def test_a_service_that_is_started_again_in_time_is_no_outage():
    clock = Clock()
    watched = outages(clock)
    looks = [("", 0), ("killed", 5), ("killed", 30), ("", 34), ("killed", 40), ("killed", 60), ("", 69)]

    for reason, second in looks:
        clock.now = 1_000 + second
        assert watched.look("mlflow", reason) is None


def test_a_service_that_was_not_seen_to_answer_yet_has_longer():
    clock = Clock()
    watched = outages(clock)

    events = []
    for second in range(0, 130, 5):
        clock.now = 1_000 + second
        if watched.look("mlflow", "it starts"):
            events.append(second)

    assert events == [120]


def test_one_miss_after_the_machine_stood_still_is_no_outage():
    clock = Clock()
    watched = outages(clock)
    watched.look("gateway", "")

    clock.now += 3_600  # nobody looked for an hour

    assert watched.look("gateway", "it wakes up as well") is None


def test_each_service_has_its_own_outage():
    clock = Clock()
    watched = outages(clock)
    for name in ("gateway", "mlflow"):
        watched.look(name, "")
    watched.look("gateway", "it hangs")
    clock.now += 30

    assert watched.look("mlflow", "") is None
    assert watched.look("gateway", "it hangs")["resource"]["prefect.resource.name"] == "gateway"
