/** The names of the built-in reports, for callers that must not load the reports themselves. */
export const builtInNames: ReadonlySet<string> = new Set(['lag', 'generated', 'top', 'sizes']);
