"""What Slipway keeps in Prefect: deployments, schedules, automations, approvals, notification channels."""
