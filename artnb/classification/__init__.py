"""Who painted this? Networks, their training and search, evaluation, and the predictor."""
