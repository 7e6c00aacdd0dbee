/** Aligned columns with a header line. Cells are made harmless and fit on one line here, so that no caller can forget. */
import { oneLine } from "./harmless.ts";
import type { Paint, Style } from "./paint.ts";
import { columnsOf, cut } from "./width.ts";

export interface Column<Row> {
  readonly header: string;
  readonly cell: (row: Row) => string;
  readonly style?: (row: Row) => Style | null;
  readonly align?: "right";
  /** The column that gives way when the lines are wider than the terminal. */
  readonly shrink?: true;
}

export interface TableOptions {
  readonly paint: Paint;
  /** The terminal's columns; null: lines may be of any length. */
  readonly columns: number | null;
}

const GAP = "  ";
const SMALLEST = 8;

/** The table as text, without a newline at its end. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: TableOptions,
): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.cell(row))));
  const widths = fit(columns, natural(columns, cells), options.columns);
  const header = line(
    columns,
    columns.map((column) => column.header),
    widths,
    (text) => options.paint("bold", text),
  );
  const body = rows.map((row, index) =>
    line(columns, cells[index] ?? [], widths, (text, column) => {
      const style = column.style?.(row) ?? null;
      return style === null ? text : options.paint(style, text);
    }),
  );
  return [header, ...body].join("\n");
}

function natural<Row>(columns: readonly Column<Row>[], cells: readonly string[][]): number[] {
  return columns.map(({ header }, index) =>
    Math.max(columnsOf(header), ...cells.map((row) => columnsOf(row[index] ?? ""))),
  );
}

function fit<Row>(columns: readonly Column<Row>[], widths: number[], terminal: number | null): number[] {
  const excess =
    terminal === null ? 0 : widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - terminal;
  if (excess <= 0) return widths;
  return widths.map((width, index) => (columns[index]?.shrink ? Math.max(SMALLEST, width - excess) : width));
}

function line<Row>(
  columns: readonly Column<Row>[],
  texts: readonly string[],
  widths: readonly number[],
  dress: (text: string, column: Column<Row>) => string,
): string {
  const parts = columns.map((column, index) => {
    const width = widths[index] ?? 0;
    const text = cut(texts[index] ?? "", width);
    const padding = " ".repeat(width - columnsOf(text));
    if (column.align === "right") return padding + dress(text, column);
    // Nothing follows the last column, so nothing pads it.
    return dress(text, column) + (index === columns.length - 1 ? "" : padding);
  });
  return parts.join(GAP);
}

/** Name and value in two columns, for one thing's details. A value may hold several lines. */
export function details(rows: readonly (readonly [name: string, value: string])[], paint: Paint): string {
  const width = Math.max(...rows.map(([name]) => columnsOf(name)));
  const indent = " ".repeat(width + GAP.length);
  return rows
    .map(([name, value]) => {
      const padding = " ".repeat(width - columnsOf(name));
      return `${paint("dim", name)}${padding}${GAP}${value.replaceAll("\n", `\n${indent}`)}`;
    })
    .join("\n");
}
