/** Says that a SQLite file is a ledger of ours and no other store: the bytes of `mlrc`. */
export const APPLICATION_ID = 0x6d6c7263

/**
 * The list of events and the stories of rounds. What stands in columns beside a body is generated from it, so that it
 * cannot differ. An event can only be put behind the last one, onto its hash; AUTOINCREMENT remembers the highest number
 * ever given, which tells that the end was cut off.
 */
const EVENTS_AND_ROUNDS = `
CREATE TABLE events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  body TEXT NOT NULL,
  previous BLOB NOT NULL CHECK (length(previous) = 32),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  time INTEGER NOT NULL GENERATED ALWAYS AS (body ->> '$.time') STORED,
  kind TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.kind') STORED,
  coin TEXT GENERATED ALWAYS AS (body ->> '$.coin') STORED,
  cloid TEXT GENERATED ALWAYS AS (coalesce(body ->> '$.cloid', body ->> '$.order.cloid')) STORED
) STRICT;

CREATE TRIGGER events_follow_the_last BEFORE INSERT ON events
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM events)
  OR NEW.previous IS NOT coalesce((SELECT hash FROM events WHERE number = NEW.number - 1), zeroblob(32))
BEGIN SELECT RAISE(ABORT, 'an event must follow the last one'); END;
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are not changed'); END;
CREATE TRIGGER events_are_not_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are not removed'); END;

CREATE TABLE rounds (
  as_of INTEGER PRIMARY KEY,
  stories BLOB NOT NULL,
  digest TEXT NOT NULL
) STRICT;

CREATE TRIGGER rounds_are_decided_once BEFORE INSERT ON rounds
WHEN EXISTS (SELECT 1 FROM rounds WHERE as_of = NEW.as_of)
BEGIN SELECT RAISE(ABORT, 'a round is decided once'); END;
CREATE TRIGGER rounds_are_not_changed BEFORE UPDATE ON rounds
BEGIN SELECT RAISE(ABORT, 'rounds are not changed'); END;
CREATE TRIGGER rounds_are_not_removed BEFORE DELETE ON rounds
BEGIN SELECT RAISE(ABORT, 'rounds are not removed'); END;

PRAGMA application_id = ${APPLICATION_ID};
`

/**
 * The account as sums over events; money in whole micro-dollars. The cost of a position is what was paid for it and what
 * its fills have realised since: sum(notional) + sum(closedPnl). Sizes are brought back to the grid of 8 decimals, values
 * to whole micro-dollars with halves away from zero, as `roundSize` and `toMicro` do.
 */
const VIEWS = `
CREATE INDEX events_by_kind ON events (kind, coin);
CREATE INDEX events_by_cloid ON events (cloid) WHERE cloid IS NOT NULL;

CREATE VIEW fills AS SELECT number, time, coin, cloid,
  CAST(body ->> '$.size' AS REAL) AS size, CAST(body ->> '$.price' AS REAL) AS price,
  body ->> '$.notional' AS notional, body ->> '$.fee' AS fee, body ->> '$.liquidity' AS liquidity,
  body ->> '$.slippage' AS slippage, body ->> '$.closedPnl' AS closed_pnl
FROM events WHERE kind = 'fill';

CREATE VIEW funding AS SELECT number, time, coin,
  CAST(body ->> '$.size' AS REAL) AS size, CAST(body ->> '$.price' AS REAL) AS price,
  CAST(body ->> '$.rate' AS REAL) AS rate, body ->> '$.amount' AS amount
FROM events WHERE kind = 'funding';

CREATE VIEW marks AS SELECT number, time, coin,
  CAST(body ->> '$.price' AS REAL) AS price, body ->> '$.stale' AS stale
FROM events WHERE kind = 'mark';

CREATE VIEW hours AS SELECT number, time,
  body ->> '$.equity' AS equity, body ->> '$.gross' AS gross, body ->> '$.net' AS net
FROM events WHERE kind = 'hour';

CREATE VIEW coin_sums AS
WITH
  traded AS (
    SELECT coin, round(sum(size) * 1e8) / 1e8 AS size, sum(notional) + sum(closed_pnl) AS cost,
      sum(notional) AS notional, sum(closed_pnl) AS realised, sum(fee) AS fees, sum(slippage) AS slippage
    FROM fills GROUP BY coin
  ),
  paid AS (SELECT coin, sum(amount) AS funding FROM funding GROUP BY coin),
  priced AS (
    SELECT coin, max(number), price FROM (
      SELECT coin, number, price FROM marks UNION ALL SELECT coin, number, price FROM fills
    ) GROUP BY coin
  ),
  coins AS (SELECT coin FROM traded UNION SELECT coin FROM paid)
SELECT coins.coin, coalesce(traded.size, 0.0) AS size, coalesce(cost, 0) AS cost, priced.price AS mark,
  CAST(sign(coalesce(traded.size, 0.0)) * round(abs(coalesce(traded.size * priced.price, 0.0)) * 1e6) AS INTEGER) AS value,
  coalesce(notional, 0) AS notional, coalesce(realised, 0) AS realised, coalesce(funding, 0) AS funding,
  coalesce(fees, 0) AS fees, coalesce(slippage, 0) AS slippage
FROM coins LEFT JOIN traded USING (coin) LEFT JOIN paid USING (coin) LEFT JOIN priced USING (coin);

CREATE VIEW positions AS
SELECT coin, size, cost, mark, value, value - cost AS unrealised FROM coin_sums WHERE size <> 0;

CREATE VIEW results AS
SELECT coin, realised, value - cost AS unrealised, funding, fees, slippage,
  realised + value - cost + funding - fees AS equity_change
FROM coin_sums;

CREATE VIEW balances AS
WITH
  came AS (SELECT coalesce(sum(body ->> '$.amount'), 0) AS deposits FROM events WHERE kind = 'deposit'),
  moved AS (
    SELECT coalesce(sum(funding - fees - notional), 0) AS cash, coalesce(sum(value), 0) AS value FROM coin_sums
  )
SELECT deposits, deposits + cash AS cash, value, deposits + cash + value AS equity FROM came, moved;
`

/**
 * Each entry takes a ledger one `user_version` up. Entries are never changed, only added: ledgers in use were made by
 * them.
 */
export const SCHEMA: readonly string[] = [EVENTS_AND_ROUNDS, VIEWS]
