"""Driver of the ID Quantique Cerberis XGR's management interface."""
