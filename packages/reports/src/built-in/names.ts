/** The names of the built-in reports, for callers that must not load the reports themselves. */
export const builtInNames: ReadonlySet<string> = new Set(['lag', 'generated', 'top', 'sizes']);

/** The keys of `by:KEY` beside headers. */
export const byKeys = ['path', 'host', 'method', 'status', 'client'] as const;

const byName = new RegExp(`^by:(?:${byKeys.join('|')}|header:[!#$%&'*+.^_\`|~0-9a-z-]{1,64})$`);

/** Whether it is a built-in name, including any valid `by:KEY`. */
export function isBuiltInName(name: string): boolean {
  return builtInNames.has(name) || byName.test(name);
}
