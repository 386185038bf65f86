"""tocsin_alerts"""
