"""What users choose when they start a server: profiles and images."""
