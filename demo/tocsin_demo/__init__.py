"""tocsin_demo"""
