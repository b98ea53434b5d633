"""A domain is one small subject in one file: events, commands, state, decisions, handlers, projections."""
