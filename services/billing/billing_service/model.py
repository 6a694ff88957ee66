"""What an account has bought and what follows from it, without any store and without Paddle.

An account has subscriptions, usually one. Each is stored whole, as Paddle last reported it, so the result does not
depend on the order of reports: the newest report of each subscription counts, and the best plan among the active ones.
An account without any is on the free plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from kv_common.errors import field_error
from kv_common.events import PlanLimits
from kv_common.plans import CATALOG, DEFAULT_PLAN, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

OVERRIDABLE_PLAN = CATALOG["business"]
CHECK_AFTER_US = 3_600_000_000
"""How long after the end of a paid period its renewal should have been reported."""


class Status(StrEnum):
    """A subscription's, in Paddle's words."""

    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELED = "canceled"


LIVE = frozenset({Status.ACTIVE, Status.TRIALING, Status.PAST_DUE})
"""Those that entitle to the plan. past_due is grace: Paddle asks for the money again, and ends it when it gives up."""


@dataclass(frozen=True, slots=True)
class ScheduledEnding:
    """The end of a subscription that is already arranged; `status` is what it will be then."""

    status: Status
    at_us: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as Paddle reported it at `at_us`."""

    id: str
    customer_id: str
    status: Status
    price_id: str
    plan: str
    at_us: int
    period_ends_us: int | None = None
    ending: ScheduledEnding | None = None

    @property
    def live(self) -> bool:
        """Whether it entitles to its plan."""
        return self.status in LIVE

    @property
    def ended(self) -> bool:
        """Whether it is over for good; one that is paused may go on, and be paid for."""
        return self.status is Status.CANCELED

    def ended_by(self, now_us: int) -> Subscription:
        """Return it as it is at `now_us` when nothing more is heard: an arranged end takes place by itself.

        It keeps the time of its report, so that every newer report of Paddle takes precedence.
        """
        if self.live and self.ending is not None and self.ending.at_us <= now_us:
            return replace(self, status=self.ending.status, ending=None)
        return self

    @property
    def check_us(self) -> int | None:
        """When to check whether the expected change has been reported; None when none is expected."""
        if not self.live:
            return None
        times = [self.ending.at_us] if self.ending else []
        if self.period_ends_us is not None:
            times.append(self.period_ends_us + CHECK_AFTER_US)
        return min(times, default=None)


@dataclass(frozen=True, slots=True)
class CustomLimits:
    """Limits agreed with an account on the business plan; None keeps the plan's own."""

    requests_per_second: int | None = None
    burst: int | None = None
    requests_per_month: int | None = None
    storage_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """All that billing knows of an account.

    `changed_at_us` is the time of the last published change of plan or limits: it only grows, and orders them for
    whoever applies them. `revision` counts what was stored.
    """

    id: str
    subscriptions: tuple[Subscription, ...] = ()
    custom_limits: CustomLimits = field(default_factory=CustomLimits)
    changed_at_us: int = 0
    revision: int = 0

    def subscription(self, subscription_id: str) -> Subscription | None:
        """Return the subscription of this id, as far as it is known."""
        return next((one for one in self.subscriptions if one.id == subscription_id), None)

    def having(self, subscription: Subscription) -> Account:
        """Return the account with `subscription` in place of what was known of this subscription."""
        others = [one for one in self.subscriptions if one.id != subscription.id]
        return replace(self, subscriptions=tuple(sorted([*others, subscription], key=lambda one: one.id)))

    @property
    def current(self) -> Subscription | None:
        """The subscription that decides the plan: the best that is live, of two alike the newer."""
        live = [one for one in self.subscriptions if one.live]
        return max(live, key=lambda one: (rank(one.plan), one.at_us, one.id), default=None)

    @property
    def shown(self) -> Subscription | None:
        """The subscription to show: the one that decides, or else the last that was heard of."""
        return self.current or max(self.subscriptions, key=lambda one: (one.at_us, one.id), default=None)

    @property
    def superfluous(self) -> tuple[Subscription, ...]:
        """Live subscriptions beside the one that decides: paid for, and good for nothing.

        As long as it may be about to end itself, the others are what will be left.
        """
        current = self.current
        if current is None or current.ending is not None or current.status is Status.PAST_DUE:
            return ()
        return tuple(one for one in self.subscriptions if one.live and one is not current)

    @property
    def plan(self) -> str:
        """The plan that holds now."""
        return DEFAULT_PLAN.name if self.current is None else self.current.plan

    @property
    def limits(self) -> PlanLimits:
        """The limits that hold now."""
        return limits_of(CATALOG[self.plan], self.custom_limits)

    def plan_after(self, ending: Subscription) -> str:
        """Return the plan that is left when one of the subscriptions has ended."""
        return self.having(replace(ending, status=Status.CANCELED, ending=None)).plan

    @property
    def check_us(self) -> int | None:
        """When to look after the account, None for never; at once when it pays twice."""
        if self.superfluous:
            return 0
        return min((one.check_us for one in self.subscriptions if one.check_us is not None), default=None)


def rank(plan: str) -> int:
    """Return a plan's place in the price list."""
    return CATALOG[plan].price


def limits_of(plan: Plan, custom_limits: CustomLimits) -> PlanLimits:
    """Return a plan's limits; on the business plan, custom limits take precedence."""
    own = custom_limits if plan == OVERRIDABLE_PLAN else CustomLimits()

    def chosen(custom: int | None, of_plan: int) -> int:
        return of_plan if custom is None else custom

    return PlanLimits(
        requests_per_second=chosen(own.requests_per_second, plan.requests_per_second),
        burst=chosen(own.burst, plan.burst),
        requests_per_month=chosen(own.requests_per_month, plan.requests_per_month),
        storage_bytes=chosen(own.storage_bytes, plan.storage_bytes),
    )


def plan_for_sale(name: str, plans: Iterable[str]) -> str:
    """Return `name` if it is one of `plans`; ValidationError otherwise."""
    if name not in plans:
        raise field_error("plan", "not_allowed", f"The plan is one of {', '.join(sorted(plans))}.")
    return name
