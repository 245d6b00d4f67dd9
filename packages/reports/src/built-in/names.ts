/** The names of the built-in reports, for callers that must not load the reports themselves. */
export const builtInNames: ReadonlySet<string> = new Set(['lag', 'generated', 'top', 'sizes']);

/** What `by` takes, as `by:path`. */
export const byKeys = ['path', 'host', 'method', 'status', 'client'] as const;

const byName = new RegExp(`^by:(?:${byKeys.join('|')}|header:[!#$%&'*+.^_\`|~0-9a-z-]{1,64})$`);

export function isBuiltInName(name: string): boolean {
  return builtInNames.has(name) || byName.test(name);
}
