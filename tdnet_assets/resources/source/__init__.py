"""TDnet over HTTP: politeness and retries, paging a list, downloading files."""
