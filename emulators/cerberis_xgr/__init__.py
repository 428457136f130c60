"""Emulated Cerberis XGR appliances and their management servers."""
