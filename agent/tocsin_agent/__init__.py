"""tocsin_agent"""
