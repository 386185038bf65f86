"""tocsin_dashboards"""
