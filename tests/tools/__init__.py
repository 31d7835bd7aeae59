"""Programs that the tests need and that are no part of the product."""
