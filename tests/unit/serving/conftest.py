"""A transport that keeps what is written."""

import asyncio

import pytest


class MemoryTransport(asyncio.Transport):
    """What a connection would send, in memory."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.closed = False
        self.aborted = False
        self.reading = True

    def write(self, data):
        assert not self.closed
        self.written += data

    def close(self):
        self.closed = True

    def abort(self):
        self.aborted = self.closed = True

    def is_closing(self):
        return self.closed

    def set_write_buffer_limits(self, high=None, low=None):
        self.limit = high

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True


@pytest.fixture(scope="session")
def make_transport():
    return MemoryTransport


@pytest.fixture
def transport():
    return MemoryTransport()
