"""From the values of the options to the record, by pure functions."""
