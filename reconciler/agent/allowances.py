"""What is expected of each container: what ships with Plumbline, and its image's profiles."""

from datetime import date

from reconciler.core.grading import Profile
from reconciler.core.profiles import Profiles, refusing_all


class Allowances:
    """Puts together what is known of an image's containers, once a day for each image.

    Args:
        builtin: What is known of all containers.
    """

    def __init__(self, builtin: Profile) -> None:
        self.builtin = builtin
        self._profiles = Profiles()
        self._learns = False
        self._day: date | None = None
        self._known: dict[str, Profile] = {}

    def use(self, profiles: Profiles, *, learns: bool = False) -> None:
        """Says anew what images' containers may do.

        Args:
            profiles: All profiles.
            learns: Whether each program of an image is told, so that it can be known what runs.
        """
        self._profiles = profiles
        self._learns = learns
        self._known = {}

    def renew(self, today: date) -> None:
        """Begins a look: rules end with their last day, and images with their containers."""
        if today != self._day or len(self._known) > 1000:
            self._day = today
            self._known = {}

    def of(self, image: str) -> Profile:
        """Gives what is known of containers of an image."""
        known = self._known.get(image)
        if known is None:
            known = self._profiles.applied(self.builtin, image, self._day or date.min)
            known = refusing_all(known) if self._learns else known
            self._known[image] = known
        return known
