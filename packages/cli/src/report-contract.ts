/** What `import … from 'reto3/report'` gives to whoever writes a report. */
export * from '@reto3/reports/report';
