"""Credentials: where they come from, and when they are asked for anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from fcall_aliyun import Credentials
from fcall_aliyun._credentials import Renewed
from fcall_aliyun.testing import FcEndpoint

import fcall
from fcall.errors import AuthenticationError, Executed, InvocationTimeoutError
from fcall.provider import Deadline
from fcall.testing.faults import Fault

BOTH = pytest.mark.parametrize("name", ["images/echo", "echo"], ids=["fc2", "fc3"])


def _key(endpoint: FcEndpoint) -> Credentials:
    return Credentials(endpoint.options["access_key_id"], endpoint.options["access_key_secret"])


@BOTH
def test_the_environment_is_asked(
    plain: FcEndpoint, client: Callable[..., fcall.Client], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Without credentials in the options the environment's count, as they are when the call is made."""
    caller = client(endpoint=plain.url)
    with pytest.raises(AuthenticationError, match="ALIBABA_CLOUD_ACCESS_KEY_ID") as raised:
        caller.invoke(name, 1)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", _key(plain).access_key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", f" {_key(plain).access_key_secret}\n")
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token-1")
    first = caller.invoke(name, 1).json()
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "another")
    with pytest.raises(AuthenticationError):
        caller.invoke(name, 1)

    assert raised.value.executed is Executed.NO
    assert first == 1
    header = "x-fc-security-token" if "/" in name else "x-acs-security-token"
    assert plain.requests[0].headers[header] == "token-1"


@BOTH
def test_a_token_is_signed(plain: FcEndpoint, client: Callable[..., fcall.Client], name: str) -> None:
    """Temporary credentials are sent with their token, under the signature."""
    assert client(plain, security_token="token-1").invoke(name, 1).json() == 1


@BOTH
def test_a_callable_is_asked_before_they_end(plain: FcEndpoint, client: Callable[..., fcall.Client], name: str) -> None:
    """Credentials that last are asked for once; those without a known end for every call."""
    asked: list[int] = []

    def hand_out() -> Credentials:
        asked.append(1)
        key = _key(plain)
        return Credentials(key.access_key_id, key.access_key_secret, "token", ends)

    ends: datetime | None = datetime(2999, 1, 1, tzinfo=UTC)
    caller = client(endpoint=plain.url, credentials=hand_out)
    for _ in range(5):
        caller.invoke(name, 1)

    assert len(asked) == 1
    ends = None
    caller = client(endpoint=plain.url, credentials=hand_out)
    for _ in range(5):
        caller.invoke(name, 1)

    assert len(asked) == 6


def test_refused_credentials_are_asked_for_anew(plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """When the service no longer accepts them, the next call does not use them again."""
    handed = iter(["first", "second"])
    far = 32_503_680_000.0

    def hand_out() -> Credentials:
        return Credentials(_key(plain).access_key_id, _key(plain).access_key_secret, next(handed), far)

    caller = client(endpoint=plain.url, credentials=hand_out)
    plain.inject(Fault.status(403, b'{"Code": "InvalidSecurityToken.Expired"}'))
    with pytest.raises(AuthenticationError):
        caller.invoke("echo", 1)

    assert caller.invoke("echo", 1).json() == 1
    assert [request.headers["x-acs-security-token"] for request in plain.requests] == ["first", "second"]


def test_any_callable_hands_out(plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """Also one that cannot be hashed, as an instance of a dataclass cannot."""

    @dataclass
    class Source:
        asked: int = 0

        def __call__(self) -> Credentials:
            self.asked += 1
            return _key(plain)

    source = Source()

    assert client(endpoint=plain.url, credentials=source).invoke("echo", 1).json() == 1
    assert source.asked == 1


def test_the_end_may_be_a_text(plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """STS tells the end as a text; such credentials are kept like others."""
    asked: list[int] = []

    def hand_out() -> Credentials:
        asked.append(1)
        return Credentials(_key(plain).access_key_id, _key(plain).access_key_secret, "token", "2999-01-01T00:00:00Z")

    caller = client(endpoint=plain.url, credentials=hand_out)
    for _ in range(3):
        caller.invoke("echo", 1)

    assert len(asked) == 1
    assert Credentials("id", "secret", "", "1970-01-01T00:01:00Z").ends == 60.0


@pytest.mark.parametrize("end", ["soon", "4102444800", "2999-01-01T00:00:00", datetime(2999, 1, 1), float("nan"), True])
def test_an_end_that_is_no_moment_is_refused(
    plain: FcEndpoint, client: Callable[..., fcall.Client], end: object
) -> None:
    """What cannot be compared with the clock, or only by guessing its time zone, is an AuthenticationError."""
    key, secret = _key(plain).access_key_id, _key(plain).access_key_secret
    caller = client(endpoint=plain.url, credentials=lambda: Credentials(key, secret, "", end))  # type: ignore[arg-type]
    with pytest.raises(AuthenticationError, match="expires_at") as raised:
        caller.invoke("echo", 1)

    assert raised.value.executed is Executed.NO


class TestRenewed:
    """The clock of credentials that end."""

    def test_they_are_renewed_in_time(self) -> None:
        """With a quarter of an hour, a quarter of it before; with hours, five minutes before."""
        for lifetime, margin in ((900.0, 225.0), (36_000.0, 300.0)):
            now, asked = [0.0], [0]

            def hand_out(lifetime: float = lifetime, now: list[float] = now, asked: list[int] = asked) -> Credentials:
                asked[0] += 1
                return Credentials("id", "secret", "token", now[0] + lifetime)

            source = Renewed(hand_out, now=lambda now=now: now[0])
            seen = []
            for moment in (0.0, lifetime - margin - 1, lifetime - margin + 1):
                now[0] = moment
                source.get(Deadline.after(1))
                seen.append(asked[0])

            assert seen == [1, 1, 2]

    def test_one_thread_asks(self) -> None:
        """50 threads that need the first credentials get those of one asking."""
        asked: list[int] = []

        def hand_out() -> Credentials:
            asked.append(1)
            return Credentials("id", "secret", "", 32_503_680_000.0)

        source = Renewed(hand_out)
        with ThreadPoolExecutor(50) as pool:
            handed = set(map(id, pool.map(lambda _: source.get(Deadline.after(5)), range(50))))

        assert (len(asked), len(handed)) == (1, 1)

    def test_the_others_go_on_with_what_is_valid(self) -> None:
        """While one thread renews, nobody waits for it whose credentials are good still."""
        entered, leave, now = threading.Event(), threading.Event(), [0.0]

        def hand_out() -> Credentials:
            if now[0]:
                entered.set()
                leave.wait(10)
            return Credentials("id", f"secret-{now[0]:.0f}", "", now[0] + 1_000)

        source = Renewed(hand_out, now=lambda: now[0])
        first = source.get(Deadline.after(1))
        now[0] = 900.0
        with ThreadPoolExecutor(1) as pool:
            renewing = pool.submit(source.get, Deadline.after(5))
            assert entered.wait(5)
            meanwhile = source.get(Deadline.after(5))
            now[0] = 1_001.0
            with pytest.raises(InvocationTimeoutError) as raised:
                source.get(Deadline.after(0.05))
            leave.set()

            assert meanwhile is first
            assert raised.value.executed is Executed.NO
            assert renewing.result(5) is source.get(Deadline.after(5))

    def test_a_callable_that_takes_too_long_is_named(self) -> None:
        """When the deadline passes while it runs, the error says so, and the credentials are kept for the next call."""
        now = [0.0]

        def hand_out() -> Credentials:
            now[0] += 2.0
            return Credentials("id", "secret", "", 32_503_680_000.0)

        source = Renewed(hand_out)
        with pytest.raises(InvocationTimeoutError, match="callable") as raised:
            source.get(Deadline(1.0, clock=lambda: now[0]))

        assert raised.value.executed is Executed.NO
        assert source.get(Deadline.after(1)).access_key_id == "id"
        assert now == [2.0]

    def test_a_failed_renewal_is_no_failure_yet(self) -> None:
        """What is valid still is used on; what has ended is an AuthenticationError that says NO."""
        now = [0.0]

        def hand_out() -> Credentials:
            if now[0]:
                raise OSError("the metadata service is away")
            return Credentials("id", "secret", "", 1_000.0)

        source = Renewed(hand_out, now=lambda: now[0])
        first = source.get(Deadline.after(1))
        now[0] = 900.0

        assert source.get(Deadline.after(1)) is first
        now[0] = 1_001.0
        with pytest.raises(AuthenticationError, match="OSError") as raised:
            source.get(Deadline.after(1))

        assert raised.value.executed is Executed.NO


@pytest.mark.parametrize(
    "handed_out",
    [None, ("id", "secret"), Credentials("", "secret"), Credentials("id", "sec\nret"), Credentials("id", 1)],  # type: ignore[arg-type]
    ids=type,
)
def test_what_is_no_credentials_is_refused(
    plain: FcEndpoint, client: Callable[..., fcall.Client], handed_out: object
) -> None:
    """A callable that hands out anything else is an AuthenticationError, and nothing is sent."""
    with pytest.raises(AuthenticationError):
        client(endpoint=plain.url, credentials=lambda: handed_out).invoke("echo", 1)

    assert plain.received == 0
