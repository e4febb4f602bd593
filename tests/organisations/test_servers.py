"""The server that the tests run against is a real one, and leaves nothing behind."""

from __future__ import annotations

import socket

import psycopg
import pytest

from kazinex_storage.testing.servers import PostgresServer, postgres


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("postgresql+psycopg", "postgresql"))


def test_it_is_postgresql_on_a_loopback_port(postgres_server: PostgresServer) -> None:
    with connect(postgres_server.url()) as connection:
        row = connection.execute("select version(), inet_server_addr()::text").fetchone()

    assert row is not None
    assert str(row[0]).startswith("PostgreSQL")
    assert "127.0.0.1/32" == row[1]


def test_it_asks_for_its_password_and_does_not_show_it(postgres_server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError):
        connect(f"postgresql://postgres:wrong@127.0.0.1:{postgres_server.port}/postgres")

    assert postgres_server.password not in repr(postgres_server)


def test_databases_are_empty_and_dropped_with_their_connections(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        left = connect(url)
        left.execute("create table t (x int)")
        left.commit()

    with pytest.raises(psycopg.OperationalError):
        connect(url)
    left.close()
    with postgres_server.database() as url, connect(url) as connection:
        assert (0,) == connection.execute("select count(*) from pg_tables where tablename = 't'").fetchone()


def test_it_ends_with_its_context() -> None:
    with postgres() as server:
        connect(server.url()).close()

    with socket.socket() as probe:
        assert 0 != probe.connect_ex(("127.0.0.1", server.port))
