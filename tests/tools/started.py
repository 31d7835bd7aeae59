"""What runs inside a `with` block."""

from abc import ABC, abstractmethod
from typing import Self


class Started(ABC):
    """Starts as the `with` block begins, stops as it ends; or by its methods."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Starts it, and waits until it works."""

    @abstractmethod
    def stop(self) -> None:
        """Stops it, and removes what it has left."""
