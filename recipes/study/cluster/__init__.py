"""Work on several processes or machines: Dask schedules, repeats what a dead worker had, and moves results."""
