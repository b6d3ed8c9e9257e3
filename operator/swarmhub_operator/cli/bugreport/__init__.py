"""What `swarmhub bug-report` packs: redaction and form are pure, gathering is not."""
