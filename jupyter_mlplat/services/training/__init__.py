"""Train jobs: which runtimes there are, what may not be asked for, how a job is doing. Pure.

How ranks are started and watched is the runtime's affair (`runtime.ranks`); when a job starts, is
tried again or paused is that of the machine of its run (`services.pipelines.machine`).
"""
