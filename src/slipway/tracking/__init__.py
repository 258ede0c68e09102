"""What MLflow remembers: runs, models, versions, aliases and stages."""
