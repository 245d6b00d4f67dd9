/**
 * The names that stored reports may have: those of modules, and of built-in ones with a parameter,
 * such as `by:header:x-tenant`.
 */
export const reportNamePattern = "[a-z][a-z0-9-]{0,31}(?::[!#$%&'*+.^_`|~0-9a-z-]{1,64}){0,2}";
