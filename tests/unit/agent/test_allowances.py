"""What is expected of containers of an image is put together once, and anew when it may differ."""

from datetime import date

from reconciler.agent.allowances import Allowances
from reconciler.agent.node import builtin_profile
from reconciler.core.profiles import profiles_of

TODAY, TOMORROW = date(2026, 11, 25), date(2026, 11, 26)
PROFILES = profiles_of(
    {"profiles": [{"image": "web", "execute": ["/bin/app"], "until": TODAY.isoformat()}]}
)


def test_profiles_hold_until_their_last_day_or_until_there_are_others() -> None:
    made = Allowances(builtin_profile())
    made.renew(TODAY)
    assert made.of("web:1") is made.builtin
    made.use(PROFILES)
    profile = made.of("web:1")
    assert not profile.runs("/bin/sh")
    made.renew(TODAY)
    assert made.of("web:1") is profile
    made.renew(TOMORROW)
    assert made.of("web:1").runs("/bin/sh")
    made.use(PROFILES, learns=True)
    assert not made.of("web:1").runs("/bin/app")
    assert not made.of("other").runs("/bin/app")


def test_images_that_come_and_go_are_forgotten() -> None:
    made = Allowances(builtin_profile())
    made.use(PROFILES)
    made.renew(TODAY)
    profile = made.of("web:1")
    for number in range(1000):
        made.of(f"i{number}")
    made.renew(TODAY)
    assert made.of("web:1") is not profile
