import pg from 'pg';

type Row = Record<string, unknown>;
type Parse = (text: string) => unknown;

interface Field {
  name: string;
  dataTypeID: number;
}

/** How the rows of a statement are read. */
interface RowShape {
  names: readonly string[];
  parsers: readonly Parse[];
  /** A row of nulls, to be copied. */
  empty: Row;
}

/** What a connection knows of its statements, by name. */
export type Described = Map<string, RowShape>;

const noRows: RowShape = { names: [], parsers: [], empty: {} };

/** Row shapes of a whole pool: connections that describe a statement alike share one. */
export class RowShapes {
  readonly #known = new Map<string, RowShape>();
  readonly #parserOf: (oid: number) => Parse;

  constructor(parserOf: (oid: number) => Parse) {
    this.#parserOf = parserOf;
  }

  of(fields: readonly Field[]): RowShape {
    const names = fields.map((field) => field.name);
    const key = JSON.stringify([names, fields.map((field) => field.dataTypeID)]);
    let shape = this.#known.get(key);
    if (shape === undefined) {
      // Parsed, because an object that grows key by key becomes a hash table, slow to copy and to read.
      const empty = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}:null`).join(',')}}`) as Row;
      shape = { names, parsers: fields.map((field) => this.#parserOf(field.dataTypeID)), empty };
      this.#known.set(key, shape);
    }
    return shape;
  }
}

/** What the driver's types leave out of its query and its connection. */
interface DriverQuery {
  name: string;
  values: unknown[];
  callback: (error: unknown, result?: pg.QueryResult) => void;
  readonly _result: { rows: Row[] };
  _canceledDueToError: unknown;
  prepare(connection: Wire): void;
  handleCommandComplete(message: object, connection: Wire): void;
}

interface Wire {
  bind(portal: { statement: string; values: readonly unknown[] }): void;
  execute(portal: null): void;
  sync(): void;
}

const DriverQuery = pg.Query as unknown as new (text: string, values: unknown[]) => DriverQuery & pg.Submittable;
const { prepareValue } = (pg as unknown as { utils: { prepareValue: (value: unknown) => unknown } }).utils;

/**
 * A named statement that asks what its columns are once a connection, not at every execution: describing and reading
 * sixty columns costs more than all the rest of a small query. PostgreSQL refuses to run a prepared statement whose
 * columns have changed, so the first description stays true.
 */
export class PreparedQuery extends DriverQuery {
  readonly #described: Described;
  readonly #shapes: RowShapes;
  #shape: RowShape | undefined;

  /** `described` belongs to the connection. Throws when a value cannot be sent; nothing has been sent then. */
  constructor(
    statement: { name: string; text: string; values: readonly unknown[] },
    described: Described,
    shapes: RowShapes,
  ) {
    super(statement.text, statement.values.map(prepareValue));
    this.name = statement.name;
    this.#described = described;
    this.#shapes = shapes;
    this.#shape = described.get(statement.name);
  }

  override prepare(connection: Wire): void {
    if (this.#shape === undefined) super.prepare(connection);
    else {
      connection.bind({ statement: this.name, values: this.values });
      connection.execute(null);
      connection.sync();
    }
  }

  handleRowDescription({ fields }: { fields: readonly Field[] }): void {
    this.#shape = this.#shapes.of(fields);
    this.#described.set(this.name, this.#shape);
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    if (this._canceledDueToError) return;
    const { names, parsers, empty } = this.#shape!;
    try {
      const row = { ...empty };
      for (let i = 0; i < names.length; i += 1) {
        const text = fields[i]!;
        if (text !== null) row[names[i]!] = parsers[i]!(text);
      }
      this._result.rows.push(row);
    } catch (error) {
      this._canceledDueToError = error;
    }
  }

  override handleCommandComplete(message: object, connection: Wire): void {
    if (this.#shape === undefined) this.#described.set(this.name, noRows);
    super.handleCommandComplete(message, connection);
  }
}
