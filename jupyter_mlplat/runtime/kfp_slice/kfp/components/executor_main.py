"""The entry point of components that an early release of version 2 compiled."""

from ..dsl.executor_main import executor_main

if __name__ == "__main__":
    executor_main()
