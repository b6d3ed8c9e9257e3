"""The running operator: what wakes it, and what carries decisions out."""
