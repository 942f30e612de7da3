"""How weights are fitted: one loop with its optimisers, schedules and losses; knows no dataset and no configuration."""
