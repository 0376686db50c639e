"""One file, one verb. Steps see the engine's ports and the model; they never import a driver."""
