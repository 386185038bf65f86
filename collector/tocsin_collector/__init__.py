"""tocsin_collector"""
