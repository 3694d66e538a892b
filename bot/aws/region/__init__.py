"""Moving a service to its standby region and back: what is checked, scaled, fenced and verified there."""
