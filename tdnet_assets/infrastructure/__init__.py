"""What the account must have: template, policies, alarms, dashboard, all from the one config."""
