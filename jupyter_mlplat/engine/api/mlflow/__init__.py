"""MLflow's tracking API 2.0, for stock clients: an application on TCP, behind a token.

It answers as MLflow's server does; runs, models and files are those that every face shows.
"""
