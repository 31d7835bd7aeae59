"""Properties are tried for as long as they take: machines that run tests are shared."""

from hypothesis import settings

settings.register_profile("core", deadline=None)
settings.load_profile("core")
