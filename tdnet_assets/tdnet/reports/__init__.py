"""What filings mean: reports, revisions, surprises, and an accountant's checks."""
