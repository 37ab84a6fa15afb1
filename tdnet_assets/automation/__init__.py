"""Schedules and sensors: what starts runs without a person."""
