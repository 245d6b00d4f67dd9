/** The public entry point `reto3/report`, for authors of reports. */
export * from '@reto3/reports/report';
