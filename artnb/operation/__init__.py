"""Models in use: registry, monitoring, drift, bias, feedback, ratings, A/B tests, retraining, exports."""
