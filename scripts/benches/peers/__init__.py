"""What this server is measured against: small servers, each a module to run, their port in `YZT_PORT`."""
