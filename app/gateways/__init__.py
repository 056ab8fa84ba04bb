"""The outside world, one module each behind a Protocol; services receive a gateway as an argument."""
