using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server;

namespace RawWs.Bench.Reliability;

/// <summary>Everything at once for a long time: whether the server's memory and handles stay where they are.</summary>
internal static class Soak
{
    /// <summary>Whose certificate it is that the clients accept.</summary>
    public const string Subject = "CN=localhost";

    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);

    // Long enough to be worth compressing.
    private static readonly string s_news = string.Join(", ", Enumerable.Range(0, 100).Select(i => $"price {i}"));

    public static async Task<int> RunAsync(string[] args)
    {
        var options = new LoadOptions("soak", args, ("minutes", 30, 1_440), ("readings", 60, 10_000));
        var time = TimeSpan.FromMinutes(options["minutes"]);
        var figures = new Figures();
        await using var server = await LoadServer.StartAsync(options => options.Deflate = new DeflateOptions());
        using var certificate = CreateCertificate();
        await using var secure = await LoadServer.StartAsync(options =>
        {
            options.Deflate = new DeflateOptions();
            options.Tls = new TlsOptions { Certificates = { new TlsCertificate { Certificate = certificate } } };
        });
        using var clients = new ClientProcess(
            SoakClients.Part, server.LocalEndPoint!.Port, secure.LocalEndPoint!.Port);
        await clients.AnswerAsync(_patience);

        Console.WriteLine($"       {"minutes",8}{"managed MiB",14}{"resident MiB",14}{"handles",10}{"connections",13}");
        var readings = new List<(double Minutes, double MiB)>();
        var start = Stopwatch.GetTimestamp();
        var nextReading = TimeSpan.Zero;
        var (firstHandles, lastHandles) = (0, 0);
        for (var handles = Figures.Handles(); ; handles = Figures.Handles())
        {
            var elapsed = Stopwatch.GetElapsedTime(start);
            if (elapsed >= nextReading)
            {
                nextReading += time / options["readings"];
                var managed = Figures.MiB(Figures.ManagedBytes());
                readings.Add((elapsed.TotalMinutes, managed));
                lastHandles = handles;
                if (elapsed <= time / 3 || readings.Count == 2)
                    firstHandles = handles;
                Console.WriteLine(
                    $"       {elapsed.TotalMinutes,8:F2}{managed,14:F2}{Figures.MiB(Figures.ResidentBytes()),14:F1}" +
                    $"{handles,10}{server.ConnectionCount + secure.ConnectionCount,13}");
            }

            if (elapsed >= time)
                break;
            server.To(LoadServer.Room).Emit("tick", elapsed.Ticks, s_news);
            secure.To(LoadServer.Room).Emit("tick", elapsed.Ticks, s_news);
            await Task.Delay(50);
        }

        var answer = await clients.AskAsync("stop", _patience);
        figures.Promise(answer[0] == 0, $"clients that were not served as they should be: {answer[0]}");
        figures.Promise(answer[1] == 0, $"clients that had stopped for another reason, or hung at the end: {answer[1]}");
        // A server that hangs keeps its memory flat, too: each client does something every few seconds at least.
        figures.Promise(
            answer[2] >= time.TotalSeconds * SoakClients.Echoes, $"exchanges that were as they should be: {answer[2]:N0}");
        figures.Promise(
            lastHandles <= firstHandles + 32, $"handles after a third of the time {firstHandles}, at the end {lastHandles}");
        // The first third is for compiled code, pools and buffers that grow to their size.
        var slope = Slope(readings.Where(reading => reading.Minutes >= time.TotalMinutes / 3)) * 10;
        // Of a few minutes the noise of single readings is more than that.
        figures.Promise(
            slope <= 1 || time < TimeSpan.FromMinutes(10), $"memory slope after the warm-up: {slope:F2} MiB per 10 minutes (promised: 1)");
        clients.Dispose();
        figures.Promise(
            await Figures.WaitAsync(
                () => server.ConnectionCount + secure.ConnectionCount == 0, TimeSpan.FromSeconds(60)),
            $"connections left behind: {server.ConnectionCount + secure.ConnectionCount}");
        return figures.ExitCode;
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject, key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    // The line with the least squares.
    private static double Slope(IEnumerable<(double Minutes, double MiB)> readings)
    {
        var points = readings.ToList();
        var (x, y) = (points.Average(point => point.Minutes), points.Average(point => point.MiB));
        var spread = points.Sum(point => (point.Minutes - x) * (point.Minutes - x));
        return spread == 0 ? 0 : points.Sum(point => (point.Minutes - x) * (point.MiB - y)) / spread;
    }
}
