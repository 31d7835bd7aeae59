"""What is asked of registries of images."""

from typing import Protocol

from reconciler.core.images.facts import Ask, Gone, ImageFacts, Signature


class Registry(Protocol):
    """All registries of images, read only. Safe to use from many threads."""

    def facts(self, ask: Ask) -> ImageFacts | Gone:
        """Gives what an image is now, asked for by its tag or by its digest.

        Raises:
            RegistryError: It couldn't be told.
        """
        ...

    def tags(self, ask: Ask) -> tuple[str, ...]:
        """Gives all tags of an image's repository; none where there is no such repository.

        Raises:
            RegistryError: They couldn't all be read.
        """
        ...

    def signature(self, ask: Ask) -> Signature:
        """Says whether the registry holds a signature of an image, asked for by its digest.

        Raises:
            RegistryError: It couldn't be told.
        """
        ...
