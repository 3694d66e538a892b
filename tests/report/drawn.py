"""Playbooks to draw."""

from typing import Any

from bot.playbook.model import Playbook


def playbook(name: str, *steps: dict[str, Any], **more: Any) -> Playbook:
    values = {"name": name, "title": {"en": "A title", "ko": "제목"}, "tier": 1, "targets": {"rto": "5m", "rpo": "0s"}}
    return Playbook.model_validate(values | {"steps": list(steps)} | more)


def step(name: str, *needs: str, **more: Any) -> dict[str, Any]:
    """An action, unless it says otherwise; it needs exactly these."""
    kind = {} if {"check", "action", "ask", "manual"} & more.keys() else {"action": "ecs.restart_service"}
    return {"id": name, "needs": list(needs)} | kind | more


def both(text: str, korean: str = "한국어") -> dict[str, str]:
    return {"en": text, "ko": korean}


DIAMOND = playbook(
    "diamond",
    step("look", check="ecs.can_restart", title=both("Is there room?", "여유가 있는지 확인")),
    step(
        "evacuate", "look", for_each={"in": "{{ balancers }}", "batch": 2}, undo={"action": "elb.back"},
        when="{{ sick }}", title=both("Shift every load balancer away from the zone that is in trouble, two at a time"),
    ),
    step("scale", "look", for_each={"in": ["a", "b", "c"]}),
    step("dns", "look", break_glass=True),
    step("go-on", "evacuate", "scale", ask=both("Go on?"), action="ssm.put_parameter"),
    step("tell", "scale", "dns", manual=both("Tell the customers")),
    step("done", "go-on", "tell", "look", check="ecs.service_steady"),
)  # fmt: skip

WIDE = playbook(
    "wide",
    step("start", check="ecs.can_restart"),
    *(step(f"part-{n}", "start", title=both(f"Part {n}", f"{n}번째 부분")) for n in range(18)),
    step("end", *(f"part-{n}" for n in range(18)), check="ecs.service_steady"),
)

CROSSED = playbook(
    "crossed", step("a"), step("b"), step("c"), step("x", "a", "b"), step("y", "b", "c"), step("z", "a", "c")
)

SKIPPING = playbook(
    "skipping", step("a"), step("b", "a"), step("c", "b"), step("d", "a"), step("e", "c", "d"), step("f", "b"),
    step("g", "e", "f"),
)  # fmt: skip

#: More side by side than 80 columns hold, and no block: each leads to another step.
LANES = playbook(
    "lanes", *(step(f"{lane}0") for lane in "abcdef"), *(step(f"{lane}1", f"{lane}0") for lane in "abcdef")
)

ALONE = playbook("alone", step("only"))
ALL = (DIAMOND, WIDE, CROSSED, SKIPPING, LANES, ALONE)
