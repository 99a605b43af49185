namespace RawWs.Server.Transport.Tls;

/// <summary>
/// Who may be inside of an <see cref="System.Net.Security.SslStream"/>: one reader and one writer at a time, as it
/// promises, and the one who ends it only while neither is, which it leaves to its callers.
/// </summary>
/// <remarks>A reader that waits for the peer, and a writer between two writes, are not inside.</remarks>
internal sealed class TlsTurns(Func<Task> end)
{
    private const int Reading = 1;
    private const int Writing = 2;
    private const int EndWanted = 4;
    private const int Ending = 8;
    private const int Ended = 16;

    private int _state;

    /// <summary>Whether nothing may be written any more.</summary>
    public bool IsEndWanted => (Volatile.Read(ref _state) & EndWanted) != 0;

    public void BeginReading()
    {
        var wait = new SpinWait();
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & Ending) == 0 && Interlocked.CompareExchange(ref _state, state | Reading, state) == state)
                return;
            // An end is a short record, and does not wait for the peer in here.
            wait.SpinOnce();
        }
    }

    public void EndReading()
    {
        if ((Interlocked.And(ref _state, ~Reading) & EndWanted) != 0)
            TryEnd();
    }

    /// <returns>False if nothing may be written any more.</returns>
    public bool TryBeginWriting()
    {
        if ((Interlocked.Or(ref _state, Writing) & EndWanted) == 0)
            return true;
        EndWriting();
        return false;
    }

    public void EndWriting()
    {
        if ((Interlocked.And(ref _state, ~Writing) & EndWanted) != 0)
            TryEnd();
    }

    /// <summary>Ends it as soon as nobody is inside: now, or on the way out of the last.</summary>
    public void End()
    {
        Interlocked.Or(ref _state, EndWanted);
        TryEnd();
    }

    private void TryEnd()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & (Reading | Writing | EndWanted | Ending | Ended)) != EndWanted)
                return;
            if (Interlocked.CompareExchange(ref _state, state | Ending | Ended, state) != state)
                continue;
            try
            {
                // What it awaits is the carrier's.
                _ = end();
            }
            finally
            {
                Interlocked.And(ref _state, ~Ending);
            }

            return;
        }
    }
}
